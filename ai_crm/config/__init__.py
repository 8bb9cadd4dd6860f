"""What people configure, read once and checked: the rules file, the agents, the environment and the step's inputs."""
