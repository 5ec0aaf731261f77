-- Who has paused the partition; null where it counts. It outlives the node and the process: whoever takes the partition over keeps it paused.
ALTER TABLE progress ADD COLUMN paused_by TEXT;
