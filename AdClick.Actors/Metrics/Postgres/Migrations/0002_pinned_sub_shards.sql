-- Sub-shards that an operator has pinned an ad to; null where its traffic decides.
ALTER TABLE ads ADD COLUMN pinned_sub_shards smallint CHECK (pinned_sub_shards IN (1, 2, 4, 8, 16, 32, 64));
