"""Shapes, tracks and maps. This room knows nothing of the park's business."""
