"""What the scheduler is made of: its memory of jobs and worlds, and its hands; `services.scheduler` alone decides."""
