"""Panels on DynamoDB: designs, capacity units and what they cost, writers, pages, regions."""
