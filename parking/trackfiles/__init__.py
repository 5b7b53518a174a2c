"""Files of tracks: of one vehicle, as people have them (``vehicle``), or of many, to be judged (``fleet``).

``table`` and ``gpx`` read the two formats row by row; what a field means is said by ``parking.fixvalues``.
"""
