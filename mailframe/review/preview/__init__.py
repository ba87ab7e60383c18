"""See before you send: a widget, a card, a contact sheet and a page for whoever approves. All over ``html/``."""
