"""`python -m benchmarks.pages`: this benchmark alone, its table printed and not kept."""

from benchmarks import pages
from benchmarks.measuring.command_line import rows_measure

if __name__ == "__main__":
    rows_measure(pages.measure, description=str(pages.__doc__))
