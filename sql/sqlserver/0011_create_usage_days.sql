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
-- Two at once: a flush first moves its silo's row in usage_writer forward. The same flush again (its first outcome was not known) waits
-- for that row, finds its number there and adds nothing. Flushes take turns by an application lock that ends with their transaction.
-- Two that move old hours wait for each other at the deleted rows; where both insert the same day, the second gets 2627, is rolled back
-- and tries again. Without READ_COMMITTED_SNAPSHOT a report that reads while a day is moved may miss that day or count it twice.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table usage_daily
(
    client_id nvarchar(200) collate Latin1_General_100_BIN2 not null,
    day datetime2(6) not null,
    -- issued, or the refusal's error code.
    outcome nvarchar(64) collate Latin1_General_100_BIN2 not null,
    count bigint not null,
    constraint pk_usage_daily primary key (client_id, day, outcome)
);

create index ix_usage_daily_day on usage_daily (day, outcome, client_id) include (count);

create index ix_usage_hourly_older on usage_hourly (hour) where writer <> N'';

create table usage_writer
(
    -- A start of a silo.
    writer nvarchar(64) collate Latin1_General_100_BIN2 not null,
    last_flush bigint not null,
    flushed_at datetime2(6) not null,
    constraint pk_usage_writer primary key (writer)
);

insert into schema_version (script_name) values (N'0011_create_usage_days');
