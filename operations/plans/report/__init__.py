"""How plans are shown: a model of what they change, and the terminal, Markdown and a page made from it."""
