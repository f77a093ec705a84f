"""InfluxDB 1.x: panels over training curves, queries, points, retention, cardinality, storage."""
