"""What happens to messages: events and what they change, such as suppressions."""
