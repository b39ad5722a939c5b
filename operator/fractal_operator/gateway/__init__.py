"""The HTTP door: reads FractalJobs, their pictures and their logs for whoever may. It decides nothing about jobs."""
