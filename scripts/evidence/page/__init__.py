"""The run on one page: a self-contained HTML file, made from what is known of a run. Nothing of it is fetched."""
