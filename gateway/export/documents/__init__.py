"""Documents for people who use the APIs: one guide, written as Markdown, HTML or a site. Pure."""
