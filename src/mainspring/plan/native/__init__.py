"""Planning for a database that types and authorises by itself (database mode): what is asked for is found, no more."""
