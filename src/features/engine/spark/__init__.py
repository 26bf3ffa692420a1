"""Indicators on Spark, for when one machine is not enough; needs the extra ``spark`` and Java 17.

Nothing here imports PySpark before a session is asked for.
"""

from features.engine.spark.engine import compute_indicators
from features.engine.spark.session import lacking, spark_session

__all__ = ["compute_indicators", "lacking", "spark_session"]
