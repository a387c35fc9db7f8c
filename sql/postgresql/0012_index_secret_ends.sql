-- Purpose: the ends of secrets are read page by page, in the order of end, client and secret, however many share one end.
-- Rows: as in client_part, one for each secret that ends.
-- Indexes: ix_client_part_end, for the warnings, the soonest end and the report; it has the columns of ix_client_part_expiry and two
-- more, so that one goes.

create index ix_client_part_end on client_part (expires_at, client_id, value) where expires_at is not null;
drop index ix_client_part_expiry;

insert into schema_version (script_name) values ('0012_index_secret_ends');
