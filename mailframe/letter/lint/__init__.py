"""What can be said of templates and finished bodies without sending: values in unsafe places, links, placeholders."""
