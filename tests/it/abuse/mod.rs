//! One caller must not stop the others: what may go wrong between callers is tried here against a whole service. Each
//! attack has a short form that is always run; with `ASSESSD_LONG=1` it is run at size and prints its figures.
