"""What each customer may use, since when, until when, and why."""
