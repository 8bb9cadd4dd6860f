"""The commands behind `make train` and `make evaluate`: what ships is made and measured here, and nowhere else."""
