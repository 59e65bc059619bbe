"""Pages for people: HTML files that stand alone, without a script that is needed, with nothing loaded."""
