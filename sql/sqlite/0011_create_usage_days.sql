-- Purpose: a silo adds what it counted to one row for each client, hour and outcome, and each flush counts once; hours that are long
-- past become days.
-- Rows: usage_daily one for each client, day and outcome, for the days that are kept. usage_writer one for each start of a silo in the
-- last 30 days. usage_hourly now has one row for each client, hour and outcome, whose writer is empty; rows with a writer are
-- from older builds, each of which counted for itself, and are added to the others two days later.
-- Indexes:
--   primary key of usage_daily  the days of one client
--   ix_usage_daily_day          who used most in a window; the sweep of old days
--   ix_usage_hourly_older       the rows of older builds
--   primary key of usage_writer which flush of a silo was stored last
-- Two at once: SQLite has one writer at a time.

create table usage_daily
(
    client_id text not null check (length(client_id) <= 200),
    day integer not null,
    -- issued, or the refusal's error code.
    outcome text not null check (length(outcome) <= 64),
    count integer not null,
    constraint pk_usage_daily primary key (client_id, day, outcome)
) without rowid;

create index ix_usage_daily_day on usage_daily (day, outcome, client_id, count);

create index ix_usage_hourly_older on usage_hourly (hour, outcome, client_id, count, writer) where writer <> '';

create table usage_writer
(
    -- A start of a silo.
    writer text not null constraint pk_usage_writer primary key check (length(writer) <= 64),
    last_flush integer not null,
    flushed_at integer not null
) without rowid;

insert into schema_version (script_name, applied_at) values ('0011_create_usage_days', unixepoch() * 1000000);
