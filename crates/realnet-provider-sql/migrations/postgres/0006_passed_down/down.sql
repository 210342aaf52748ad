ALTER TABLE changes DROP COLUMN passed_down;
