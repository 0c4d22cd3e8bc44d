"""What the training loop can do besides, and no lesson builds: each module is named for what it is."""
