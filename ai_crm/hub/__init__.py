"""Front end: the server that receives webhooks, answers the API and does the work that was accepted."""
