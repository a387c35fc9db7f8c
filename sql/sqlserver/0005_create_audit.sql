-- Purpose: who did what to what, when and from where. Append only: nothing in the product changes or deletes a row.
-- Rows: one for each administrative change, tens of millions in the long run.
-- Indexes:
--   primary key      an entry is written once, however often its outbox is applied
--   ix_audit_time    all entries, newest first, page by page
--   ix_audit_client  the entries of one client and its secrets, newest first, page by page
-- Two at once: an entry has one writer, its client's outbox; a repeat at the same moment meets the primary key, and the loser's 2627
-- makes it try again and find the entry there.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table audit
(
    audit_id nvarchar(64) collate Latin1_General_100_BIN2 not null,
    occurred_at datetime2(6) not null,
    -- The client id of the token, or system:bootstrap and the like.
    actor nvarchar(200) collate Latin1_General_100_BIN2 not null,
    action nvarchar(64) collate Latin1_General_100_BIN2 not null,
    target nvarchar(300) collate Latin1_General_100_BIN2 not null,
    -- The client that was touched, itself or by one of its secrets; empty when none was.
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    remote_address nvarchar(64) collate Latin1_General_100_BIN2 not null,
    request_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    -- JSON without secret material.
    before_json nvarchar(max) null,
    after_json nvarchar(max) null,
    constraint pk_audit primary key (audit_id)
);

create index ix_audit_time on audit (occurred_at, audit_id);
create index ix_audit_client on audit (client_id, occurred_at, audit_id) where client_id <> N'';

insert into schema_version (script_name) values (N'0005_create_audit');
