-- What others read from PostgreSQL, kept up to date there; postgresql/ makes the tables.

CREATE SINK IF NOT EXISTS candle_differences_to_postgresql FROM candle_differences WITH (
    connector = 'postgres',
    host = '${POSTGRES_HOST}',
    port = '${POSTGRES_PORT}',
    user = '${POSTGRES_USER}',
    password = '${POSTGRES_PASSWORD}',
    database = '${POSTGRES_DB}',
    schema = 'risingwave',
    table = 'candle_differences',
    type = 'upsert',
    primary_key = 'market,open_time_ms'
);

CREATE SINK IF NOT EXISTS latest_predictions_to_postgresql FROM latest_predictions WITH (
    connector = 'postgres',
    host = '${POSTGRES_HOST}',
    port = '${POSTGRES_PORT}',
    user = '${POSTGRES_USER}',
    password = '${POSTGRES_PASSWORD}',
    database = '${POSTGRES_DB}',
    schema = 'risingwave',
    table = 'latest_predictions',
    type = 'upsert',
    primary_key = 'market,timeframe,horizon_ms'
);

CREATE SINK IF NOT EXISTS model_accuracy_to_postgresql FROM model_accuracy WITH (
    connector = 'postgres',
    host = '${POSTGRES_HOST}',
    port = '${POSTGRES_PORT}',
    user = '${POSTGRES_USER}',
    password = '${POSTGRES_PASSWORD}',
    database = '${POSTGRES_DB}',
    schema = 'risingwave',
    table = 'model_accuracy',
    type = 'upsert',
    primary_key = 'market,timeframe,horizon_ms,role,model_name,model_version'
);
