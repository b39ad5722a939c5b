"""What goes on over time: each service has one purpose, decides with core, and acts through adapters."""
