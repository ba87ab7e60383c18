"""What happened to accepted messages: events of Postmark, as columns of results."""
