"""Measures whychurn's estimators against other libraries: same data, same machine, same run, estimates compared."""
