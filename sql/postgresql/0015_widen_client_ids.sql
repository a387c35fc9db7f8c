-- Purpose: client ids of up to 200 characters, as other servers have them; they were of up to 128.
-- Rows: none is read or written: what was stored under the narrower checks satisfies the wider ones, so that these need not be
-- validated, which would read each table under a lock.
-- Indexes: none is touched.
-- Two at once: the tables are taken in the order in which a running silo's transactions take them, so that neither waits for the other in
-- a circle.

alter table audit
    drop constraint audit_client_id_check,
    add constraint audit_client_id_check check (length(client_id) <= 200) not valid;
alter table client_catalogue
    drop constraint client_catalogue_client_id_check,
    add constraint client_catalogue_client_id_check check (length(client_id) <= 200) not valid;
alter table client_part
    drop constraint client_part_client_id_check,
    add constraint client_part_client_id_check check (length(client_id) <= 200) not valid;
alter table usage_hourly
    drop constraint usage_hourly_client_id_check,
    add constraint usage_hourly_client_id_check check (length(client_id) <= 200) not valid;
alter table last_used
    drop constraint last_used_client_id_check,
    add constraint last_used_client_id_check check (length(client_id) <= 200) not valid;
alter table revocation
    drop constraint revocation_client_id_check,
    add constraint revocation_client_id_check check (length(client_id) <= 200) not valid;
-- The feed tells of a client by its id.
alter table revocation
    drop constraint revocation_value_check,
    add constraint revocation_value_check check (length(value) <= 200) not valid;
alter table idempotency
    drop constraint idempotency_client_id_check,
    add constraint idempotency_client_id_check check (length(client_id) <= 200) not valid;
alter table expiry_warning
    drop constraint expiry_warning_client_id_check,
    add constraint expiry_warning_client_id_check check (length(client_id) <= 200) not valid;
-- A client's grain has the id behind a prefix.
alter table grain_state
    drop constraint grain_state_grain_key_check,
    add constraint grain_state_grain_key_check check (length(grain_key) <= 210) not valid;

insert into schema_version (script_name) values ('0015_widen_client_ids');
