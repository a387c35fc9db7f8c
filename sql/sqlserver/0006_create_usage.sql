-- Purpose: how many tokens each client got or was refused, by the hour, and when things were last used.
-- Rows: usage_hourly one for each client, hour, outcome and writer (an activation of the client's grain): a busy day of
-- 100,000 clients is some millions. last_used one for each client, secret and scope that was ever used.
-- A row of usage_hourly holds an absolute count of its writer and only grows, so writing it twice is writing it once.
-- Indexes:
--   primary key of usage_hourly  the usage of one client in a window of time
--   ix_usage_hourly_hour         who used most in a window; the sweep of old hours
--   primary key of last_used     the last uses of one client; the report on unused things
-- Many rows are written at once: they come as a table-valued parameter of the types below, and an update is followed by an insert.
-- Two at once: a row of usage_hourly has one writer. Rows of last_used may have two; flushes of last uses therefore take turns, by an
-- application lock that ends with their transaction, and last milliseconds.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table usage_hourly
(
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    hour datetime2(6) not null,
    -- issued, or the refusal's error code.
    outcome nvarchar(64) collate Latin1_General_100_BIN2 not null,
    writer nvarchar(64) collate Latin1_General_100_BIN2 not null,
    count bigint not null,
    constraint pk_usage_hourly primary key (client_id, hour, outcome, writer)
);

create index ix_usage_hourly_hour on usage_hourly (hour, outcome, client_id) include (count);

create table last_used
(
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    kind nvarchar(20) collate Latin1_General_100_BIN2 not null check (kind in (N'client', N'scope', N'secret')),
    value nvarchar(128) collate Latin1_General_100_BIN2 not null,
    used_at datetime2(6) not null,
    constraint pk_last_used primary key (client_id, kind, value)
);

create type usage_hourly_row as table
(
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    hour datetime2(6) not null,
    outcome nvarchar(64) collate Latin1_General_100_BIN2 not null,
    writer nvarchar(64) collate Latin1_General_100_BIN2 not null,
    count bigint not null,
    primary key (client_id, hour, outcome, writer)
);

create type last_used_row as table
(
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    kind nvarchar(20) collate Latin1_General_100_BIN2 not null,
    value nvarchar(128) collate Latin1_General_100_BIN2 not null,
    used_at datetime2(6) not null,
    primary key (client_id, kind, value)
);

insert into schema_version (script_name) values (N'0006_create_usage');
