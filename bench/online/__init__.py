"""Features online: reads from DynamoDB on moto, beside raw reads and Feast."""
