"""Static pages of mails: text in, safe HTML out. Pure; knows nothing of frames, letters, widgets or Postmark."""
