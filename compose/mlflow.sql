-- PostgreSQL runs this when its volume is new: MLflow has a database of its own.
CREATE DATABASE mlflow;
