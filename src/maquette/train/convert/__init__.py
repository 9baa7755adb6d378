"""Networks of Hugging Face's ``transformers`` to ONNX files that the catalogue's contracts describe."""
