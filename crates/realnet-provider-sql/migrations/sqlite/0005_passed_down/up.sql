-- What an item inherits otherwise, as JSON, where nothing else of it has changed: in the place of `before` and `after`.
ALTER TABLE changes ADD COLUMN passed_down TEXT;
