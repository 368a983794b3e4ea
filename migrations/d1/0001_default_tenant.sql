-- The tenant "default" always exists: ADMIN_KEY acts in it. Its id is minted here, once for each database.
INSERT INTO audit (id, at_ms, actor, tenant_id, action, kind, name, request_id)
VALUES ('default-tenant', unixepoch() * 1000, 'platform', 't_' || lower(hex(randomblob(10))), 'create', 'tenants', 'default', 'migration');
--> statement-breakpoint
INSERT INTO tenants (id, name, version, created_at_ms)
SELECT tenant_id, name, seq, at_ms FROM audit WHERE id = 'default-tenant';
--> statement-breakpoint
UPDATE audit SET after = json_object('id', tenant_id) WHERE id = 'default-tenant';
