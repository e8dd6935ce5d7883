-- The service's role owns its database and is no superuser: row-level security would not hold for one, and the service
-- refuses to start as one. Change the password here and in DATABASE_URL.
create role assessd login password 'assessd';
create database assessd owner assessd;
