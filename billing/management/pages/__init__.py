"""Reference pages that are written from the code: each module returns one page as Markdown."""
