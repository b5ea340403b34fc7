"""What SonarQube is sent of a project, who sends it, and how its quality gate is asked; see `steps/sonar.py`."""
