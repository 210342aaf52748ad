DROP TABLE building;
