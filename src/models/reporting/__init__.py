"""The report of a run: its data gathered as plain values, its pictures, and the page that shows them."""
