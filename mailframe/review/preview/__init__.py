"""Messages before they are sent: a widget, static pages, a contact sheet, a page for approval."""
