-- Purpose: the audit lies in the order of time, and no longer in that of its random ids: new entries go to the end, where they were
-- spread over all pages, and a page of the newest is read from neighbours.
-- Rows: those of audit, tens of millions in the long run.
-- Indexes:
--   primary key      an entry is written once, however often its outbox is applied; no longer clustered
--   ix_audit_time    all entries, newest first, page by page; clustered, and unique because the id is
--   ix_audit_client  the entries of one client and its secrets, newest first, page by page
-- Two at once: the table is locked against everybody until the script ends, a minute or so for a million entries with their documents.
-- Meanwhile silos issue tokens as before; administrative changes wait for the lock and get 503, and the same call again is stored once.
-- The table is copied once: the other indexes go first and come back last, as each would otherwise be made anew with it. The copy
-- needs as much free space, and log, as the table has. Where that is too long, do it beforehand by hand with (online = on), in these
-- steps, and insert the script's name into schema_version.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

drop index ix_audit_client on audit;
drop index ix_audit_time on audit;
alter table audit drop constraint pk_audit;
create unique clustered index ix_audit_time on audit (occurred_at, audit_id);
alter table audit add constraint pk_audit primary key nonclustered (audit_id);
create index ix_audit_client on audit (client_id, occurred_at, audit_id) where client_id <> N'';

insert into schema_version (script_name) values (N'0014_cluster_audit_by_time');
