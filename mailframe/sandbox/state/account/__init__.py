"""The account: its servers, streams, domains, senders and templates."""
