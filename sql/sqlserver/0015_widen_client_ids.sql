-- Purpose: client ids of up to 200 characters, as other servers have them; they were of up to 128.
-- Rows: none is changed, but each table is locked and written anew, since a column of a primary key can't be widened in place: minutes
-- where the audit or the usage has tens of millions. Run it by hand at a quiet hour where that matters.
-- Indexes: primary keys are made anew with the same columns; the longest, of revocation, may have 848 bytes, and that of grain_state
-- 844, of the 900 of a clustered index. ix_audit_client is made anew because its filter names the column.
-- The rows of usage come as table-valued parameters, whose types can't be changed. An older build goes on with the old ones; this
-- one has types of its own.
-- Two at once: the migration lock lets one process in. Every statement waits for the readers and writers of its table and holds them off
-- until the transaction ends. The tables are taken in the order in which a running silo's transactions take them, so that neither waits
-- for the other in a circle.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

drop index ix_audit_client on audit;
alter table audit alter column client_id nvarchar(200) collate Latin1_General_100_BIN2 not null;
create index ix_audit_client on audit (client_id, occurred_at, audit_id) where client_id <> N'';

alter table client_catalogue drop constraint pk_client_catalogue;
alter table client_catalogue alter column client_id nvarchar(200) collate Latin1_General_100_BIN2 not null;
alter table client_catalogue add constraint pk_client_catalogue primary key (client_id);

alter table client_part drop constraint pk_client_part;
alter table client_part alter column client_id nvarchar(200) collate Latin1_General_100_BIN2 not null;
alter table client_part add constraint pk_client_part primary key (client_id, kind, value);

alter table usage_hourly drop constraint pk_usage_hourly;
alter table usage_hourly alter column client_id nvarchar(200) collate Latin1_General_100_BIN2 not null;
alter table usage_hourly add constraint pk_usage_hourly primary key (client_id, hour, outcome, writer);

alter table last_used drop constraint pk_last_used;
alter table last_used alter column client_id nvarchar(200) collate Latin1_General_100_BIN2 not null;
alter table last_used add constraint pk_last_used primary key (client_id, kind, value);

-- The feed tells of a client by its id.
alter table revocation drop constraint pk_revocation;
alter table revocation alter column client_id nvarchar(200) collate Latin1_General_100_BIN2 not null;
alter table revocation alter column value nvarchar(200) collate Latin1_General_100_BIN2 not null;
alter table revocation add constraint pk_revocation primary key (client_id, kind, value, gen);

alter table idempotency alter column client_id nvarchar(200) collate Latin1_General_100_BIN2 not null;

alter table expiry_warning drop constraint pk_expiry_warning;
alter table expiry_warning alter column client_id nvarchar(200) collate Latin1_General_100_BIN2 not null;
alter table expiry_warning add constraint pk_expiry_warning primary key (client_id, secret_id, expires_at, days);

-- A client's grain has the id behind a prefix.
alter table grain_state drop constraint pk_grain_state;
alter table grain_state alter column grain_key nvarchar(210) collate Latin1_General_100_BIN2 not null;
alter table grain_state add constraint pk_grain_state primary key (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id);

create type usage_count_row as table
(
    client_id nvarchar(200) collate Latin1_General_100_BIN2 not null,
    hour datetime2(6) not null,
    outcome nvarchar(64) collate Latin1_General_100_BIN2 not null,
    writer nvarchar(64) collate Latin1_General_100_BIN2 not null,
    count bigint not null,
    primary key (client_id, hour, outcome, writer)
);

create type last_use_row as table
(
    client_id nvarchar(200) collate Latin1_General_100_BIN2 not null,
    kind nvarchar(20) collate Latin1_General_100_BIN2 not null,
    value nvarchar(128) collate Latin1_General_100_BIN2 not null,
    used_at datetime2(6) not null,
    primary key (client_id, kind, value)
);

insert into schema_version (script_name) values (N'0015_widen_client_ids');
