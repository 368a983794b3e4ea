DROP INDEX `limit_overrides_undelivered`;--> statement-breakpoint
ALTER TABLE `limit_overrides` ADD `attempted_at_ms` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `limit_overrides_undelivered` ON `limit_overrides` (`delivered`,`attempted_at_ms`,`version`);