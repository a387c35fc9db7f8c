-- Purpose: who did what to what, when and from where. Append only: nothing in the product changes or deletes a row.
-- Rows: one for each administrative change, tens of millions in the long run.
-- Indexes:
--   primary key      an entry is written once, however often its outbox is applied
--   ix_audit_time    all entries, newest first, page by page
--   ix_audit_client  the entries of one client and its secrets, newest first, page by page

create table audit
(
    audit_id text collate "C" not null check (length(audit_id) <= 64),
    occurred_at timestamptz not null,
    -- The client id of the token, or system:bootstrap and the like.
    actor text collate "C" not null check (length(actor) <= 200),
    action text collate "C" not null check (length(action) <= 64),
    target text collate "C" not null check (length(target) <= 300),
    -- The client that was touched, itself or by one of its secrets; empty when none was.
    client_id text collate "C" not null check (length(client_id) <= 128),
    remote_address text collate "C" not null check (length(remote_address) <= 64),
    request_id text collate "C" not null check (length(request_id) <= 128),
    -- JSON without secret material.
    before_json text null,
    after_json text null,
    constraint pk_audit primary key (audit_id)
);

create index ix_audit_time on audit (occurred_at, audit_id);
create index ix_audit_client on audit (client_id, occurred_at, audit_id) where client_id <> '';

insert into schema_version (script_name) values ('0005_create_audit');
