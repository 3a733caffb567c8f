"""What rules look at: messages taken apart, specs compared with what exists, and the lines that show it."""
