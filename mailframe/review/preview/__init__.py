"""Look at messages before sending: a widget, static pages, a contact sheet, and a page for approval."""
