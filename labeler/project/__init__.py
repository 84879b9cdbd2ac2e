"""The data of one project: images, documents and labels in their stores."""
